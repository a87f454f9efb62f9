/**
 * The service's own sentences in Chinese. It speaks English to every client; what an operator meets daily is said
 * here, anything else stays as it came: words that are not understood are better than words that are not there.
 */

import type { Language } from "./index";

const PHRASES: readonly (readonly [RegExp, string])[] = [
  // Reasons of a sortie's steps: telemetry/progress.py, telemetry/flight.py
  [/^launch was requested$/, "值班员下令起飞"],
  [/^mission and fence were read back and equal the approved plan$/, "任务与围栏已回读，与批准计划一致"],
  [/^not heard (?:for too long|after a restart)$/, "长时间收不到信号"],
  [/^found armed after a restart$/, "平台重启后发现已解锁"],
  [/^all checks passed$/, "检查全部通过"],
  [/^armed and started$/, "已解锁，任务开始"],
  [/^the vehicle takes off$/, "已离地"],
  [/^the vehicle flies its mission$/, "开始执行任务"],
  [/^all waypoints are flown/, "航点全部飞完"],
  [/^the vehicle returns \(mode (.*?)\)/, "飞行器返航（$1）"],
  [/^the vehicle is landing \(mode (.*?)\)/, "飞行器降落（$1）"],
  [/^the vehicle descends at home$/, "在起飞点下降"],
  [/^the vehicle left its mission \(mode (.*?)\).*/, "飞行器离开任务（$1），平台不与飞手争夺控制"],
  [/^it landed and disarmed$/, "已落地并上锁"],
  [/^it landed while the platform was down$/, "平台停机期间已落地"],
  [/^the platform stopped before take-off$/, "起飞前平台停机"],
  [/^the operator asked to pause$/, "值班员暂停"],
  [/^the operator asked to resume$/, "值班员继续"],
  [/^the operator asked to return$/, "值班员返航"],
  [/^the operator asked to land$/, "值班员降落"],
  [/^(.*) is not heard any more\.$/, "$1 收不到信号"],
  [/^(.*) is heard again\.$/, "$1 恢复信号"],
  [/^(.*) is heard now\.$/, "$1 已上线"],
  [/^The platform restarted and found the vehicle flying its mission\.$/, "平台重启后接回了正在执行任务的飞行器"],
  // Refusals: core/errors.py, api/launch.py, telemetry/preflight.py
  [/^Vehicle '(.*?)' is busy: .*/, "$1 正忙"],
  [/^Vehicle '(.*?)' is offline.*/, "$1 不在线"],
  [/^Vehicle '(.*?)' did not answer: (.*), (\d+) attempts\.$/, "$1 没有应答：$2，已试 $3 次"],
  [/^Vehicle '(.*?)' may not take off: (.*)\.$/, "$1 不能起飞"],
  [/^the battery is at (\d+) %, the plan with its reserve needs (\d+) %$/, "电量 $1%，计划含余量需 $2%"],
  [/^battery (\d+) %, the plan needs (\d+) % with reserve$/, "电量 $1%，计划含余量需 $2%"],
  [/^the battery level is not known$/, "电量未知"],
  [/^the autopilot has no position estimate yet$/, "飞控尚无位置估计"],
  [/^the autopilot has not reported its pre-arm checks yet$/, "飞控尚未报告解锁检查"],
  [/^the autopilot's pre-arm checks fail$/, "飞控解锁检查未通过"],
  [/^it is armed already$/, "已经解锁"],
  // Values out of bounds: pydantic
  [/^Input should be greater than or equal to (.*)$/, "须不小于 $1"],
  [/^Input should be greater than (.*)$/, "须大于 $1"],
  [/^Input should be less than or equal to (.*)$/, "须不大于 $1"],
  [/^Input should be less than (.*)$/, "须小于 $1"],
  [/^Input should be a valid (?:number|integer)\b.*/, "须为数字"],
  [/^Field required$/, "必填"],
];

export function said(text: string, to: Language): string {
  if (to === "en") return text;
  for (const [form, chinese] of PHRASES) if (form.test(text)) return text.replace(form, chinese);
  return text;
}
