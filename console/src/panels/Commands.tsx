import { App, Button, Popconfirm } from "antd";
import { useState } from "react";
import { api } from "../api/client";
import type { Sortie, VehicleState } from "../api/model";
import { Problem } from "../api/problem";
import { useT } from "../i18n";
import type { Key } from "../i18n/messages";
import { type Command, COMMANDS, isLegal } from "../state/commands";
import { ProblemNote } from "../ui/ProblemNote";

/** Pause, resume, return, land. A refusal stays on the panel until the next command. */
export function Commands({ vehicle, sortie }: { vehicle: VehicleState; sortie: Sortie | null }) {
  const t = useT();
  const { message } = App.useApp();
  const [busy, setBusy] = useState<Command | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);

  const send = async (kind: Command) => {
    setBusy(kind);
    setProblem(null);
    try {
      await api.command(vehicle.vehicle_id, kind);
      void message.success(t("command.sent", { name: vehicle.name, command: t(`command.${kind}`) }));
    } catch (reason) {
      if (!(reason instanceof Problem)) throw reason;
      setProblem(reason);
    } finally {
      setBusy(null);
    }
  };

  const button = (kind: Command) => {
    const legal = isLegal(kind, sortie?.state ?? null, vehicle);
    const plain = (
      <Button
        key={kind}
        size="large"
        danger={kind === "land"}
        disabled={!legal || (busy !== null && busy !== kind)}
        loading={busy === kind}
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
      <div className="commands">{COMMANDS.map(button)}</div>
    </>
  );
}
