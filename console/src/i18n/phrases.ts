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
  [/^the operator asked to hold$/, "值班员悬停"],
  [/^the operator asked to (?:goto|orbit|change-altitude|change-speed|skip|replace)$/, "值班员改航"],
  [/^\S+ asked to (?:pause|hold)$/, "值班员要求悬停"],
  [/^a pilot's switch chose mode (\S+)$/, "遥控器切到 $1"],
  [/^another ground station, or a pilot, chose mode (\S+)$/, "其他地面站或飞手切到 $1"],
  [/^the vehicle left its mission \(mode (.*?)\): .*/, "飞行器离开任务（$1）"],
  // Alarms: telemetry/alarms/rules.py
  [/^(.*) is not heard any more on (\S+)\.$/, "$1 在链路 $2 上收不到信号"],
  [/^(.*) has not been heard for (\S+) s\.$/, "$1 已 $2 秒没有信号"],
  [/^(.*) is heard, its position is (\S+) s old\.$/, "$1 有信号，但位置已过时 $2 秒"],
  [/^(.*)'s battery is at (\d+) % \(limit (\d+) %\)\.$/, "$1 电量 $2%（限 $3%）"],
  [/^(.*)'s GPS: fix type (\d+), (\d+) satellites, HDOP (\S+)\.$/, "$1 定位类型 $2，卫星 $3 颗，HDOP $4"],
  [/^(.*)'s estimator has no position: .*/, "$1 没有位置估计：无法保持位置与围栏"],
  [/^(.*) shakes with (\S+) m\/s²\.$/, "$1 振动 $2 m/s²"],
  [/^(.*) flies and its own fence is switched off\.$/, "$1 在飞而机载围栏已关闭"],
  [/^(.*) reports that it left its fence\.$/, "$1 报告已飞出围栏"],
  // Guesses: telemetry/ghost.py
  [/^It was on its way home \((\S+)\) when it was last heard\.$/, "最后收到信号时正在返航（$1）"],
  [/^If it hears us, it flies on with its mission\.$/, "若仍收到平台心跳，会继续执行任务"],
  [/^If it hears us, it still holds in mode (\S+)\.$/, "若仍收到平台心跳，仍在原处悬停（$1）"],
  [
    /^If it does not hear us either, it (?:has been flying|will fly) home by (\S+) from (\S+) UTC on and lands about (\S+) UTC\.$/,
    "若也收不到平台心跳，自 $2（UTC）起按 $1 返航，约 $3（UTC）降落",
  ],
  [/^It was in mode (\S+); nothing is known of where it went\.$/, "最后模式 $1，去向不明"],
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
  // Values out of bounds: core/members.py, missions/request.py, missions/patterns/catalog.py
  [/^is (.*); it must be from (\S+) to (\S+)$/, "$1 超出范围，须在 $2 至 $3 之间"],
  [/^is (.*); it must be at least (\S+)$/, "$1 太小，须不小于 $2"],
  [/^is (.*); it must be at most (\S+)$/, "$1 太大，须不大于 $2"],
  [/^is (.*); it must be a whole number$/, "须为整数"],
  [/^must be a number.*/, "须为数字"],
  [/^is missing; tell one of .*/, "须填写高度"],
  [/^is missing.*/, "必填"],
  [/^stands in place of (\w+); tell one of the two$/, "与 $1 只能填一个"],
  [/^says nothing without (\w+)$/, "须与 $1 一起填写"],
  [/^must not be blank$/, "不能为空"],
  [/^has (\d+) characters; at most (\d+) are allowed$/, "最多 $2 个字"],
  // Ways out: missions/review.py, missions/reroute.py, missions/alternatives.py, missions/shorten.py
  [/^It has not taken off: keep it on the ground\.$/, "尚未起飞：留在地面"],
  [/^Where it is is not known: nothing is known to be clear\.$/, "位置未知，无法判断何处安全"],
  [/^The straight way home from where it is keeps clear\.$/, "由当前位置直线返航无冲突"],
  [/^Where it is is clear; the way home is not, nor what is left of the mission\.$/, "当前位置安全；返航与剩余任务均有冲突"],
  [/^It is within the margin of (.*): the way home leads out\.$/, "已在 $1 的间距以内：返航可离开"],
  [/^It is within the margin of (.*) and no way out is clear\.$/, "已在 $1 的间距以内，没有无冲突的出路"],
  [/^What is left can be flown in (\S+) m by ways that keep clear; (\d+) waypoints cannot be reached and are left out\.$/, "剩余部分可绕飞，$1 m；$2 个航点无法到达，略去"],
  [/^What is left can be flown in (\S+) m by ways that keep clear\.$/, "剩余部分可绕飞，$1 m"],
  [/^Depart (\d+) s later, at (\S+) UTC\.$/, "推迟 $1 秒，$2（UTC）起飞"],
  [/^Fly at (\S+) m above home\.$/, "改飞相对起飞点 $1 m"],
  [/^Fly at (\S+) m above the ground\.$/, "改飞真高 $1 m"],
  [/^Fly it with (\S+) from (\S+)\.$/, "改由 $2 的 $1 执行"],
  [/^A fence that the autopilot can hold exists for the first (\d+) of (\d+) waypoints; fly the rest as another mission\.$/, "前 $1 个航点（共 $2 个）可装下围栏，其余另立任务"],
  [/^Airspace version (\d+): every flight that was looked at stays clear\.$/, "空域 v$1：复核的飞行均无冲突"],
  [/^Airspace version (\d+) makes missions unflyable: (\d+) in the air \((.*)\) and (\d+) planned\.$/, "空域 v$1 影响在飞 $2 架（$3）、计划任务 $4 个"],
  [/^Airspace version (\d+) makes missions unflyable: (\d+) in the air \((.*)\)\.$/, "空域 v$1 影响在飞 $2 架（$3）"],
  [/^Airspace version (\d+) makes missions unflyable: (\d+) planned\.$/, "空域 v$1 影响计划任务 $2 个"],
  // Lines of a proof that measure nothing: missions/prove/limits.py, fence.py
  [/^(\d+) items are a flight of (\d+) waypoints\.$/, "$1 项，$2 个航点"],
  [/^(\d+) items\.$/, "$1 项"],
  [/^(\d+) items, (\d+) bytes\.$/, "$1 项，$2 字节"],
  [/^(\S+) m\/s at most\.$/, "最快 $1 m/s"],
  [/^(\d+) % of the battery, reserve included\.$/, "需电量 $1%，已含余量"],
  [/^(\d+) waypoints of (\d+) that SmartRTL remembers\.$/, "$1 个航点，飞控可记 $2 个"],
  [/^Nothing that this rule looks at is near\.$/, "附近没有相关区域"],
];

/** `unknown`: what stands for a sentence that this console does not know; by default the sentence itself. */
export function said(text: string, to: Language, unknown = text): string {
  if (to === "en") return text;
  for (const [form, chinese] of PHRASES) if (form.test(text)) return text.replace(form, chinese);
  return unknown;
}
