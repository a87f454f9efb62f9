import { App, Button, Popconfirm } from "antd";
import { useState } from "react";
import { api } from "../api/client";
import type { Sortie, VehicleState } from "../api/model";
import { Problem } from "../api/problem";
import { useT } from "../i18n";
import type { Key } from "../i18n/messages";
import { type Command, COMMANDS, isLegal } from "../state/commands";
import { ProblemNote } from "../ui/ProblemNote";

/** Hold, resume, return, land; before take-off, call off. Nothing in progress ever takes one of them away. */
export function Commands({ vehicle, sortie }: { vehicle: VehicleState; sortie: Sortie | null }) {
  const t = useT();
  const { message } = App.useApp();
  const [busy, setBusy] = useState<readonly Command[]>([]);
  const [problem, setProblem] = useState<Problem | null>(null);
  const state = sortie?.state ?? null;

  const send = async (kind: Command) => {
    setBusy((now) => [...now, kind]);
    setProblem(null);
    try {
      await api.command(vehicle.vehicle_id, kind);
      void message.success(t("command.sent", { name: vehicle.name, command: t(`command.${kind}`) }));
    } catch (reason) {
      if (!(reason instanceof Problem)) throw reason;
      setProblem(reason);
    } finally {
      setBusy((now) => now.filter((each) => each !== kind));
    }
  };

  const button = (kind: Command) => {
    const legal = isLegal(kind, state, vehicle);
    const plain = (
      <Button
        key={kind}
        size="large"
        danger={kind === "land"}
        disabled={!legal}
        loading={busy.includes(kind)}
        data-testid={kind}
        {...(kind === "land" ? {} : { onClick: () => void send(kind) })}
      >
        {t(`command.${kind}` satisfies Key)}
      </Button>
    );
    if (kind !== "land") return plain;
    return (
      <Popconfirm
        key={kind}
        title={t("command.landQuestion")}
        okText={t("command.land")}
        okButtonProps={{ danger: true, "data-testid": "confirm-land" }}
        disabled={!legal}
        onConfirm={() => void send(kind)}
      >
        {plain}
      </Popconfirm>
    );
  };

  return (
    <>
      {problem && <ProblemNote problem={problem.document} />}
      {isLegal("abort", state, vehicle) ? button("abort") : <div className="commands">{COMMANDS.map(button)}</div>}
    </>
  );
}
