import { eventLog } from "@usr/dataset";
import { tailEvents } from "@usr/events";
import type { Outcome, RunCommand } from "../command.ts";
import { argument, flag, integer } from "../typed.ts";

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const { storage, path } = await eventLog(await session.root(), argument(typed, 0));
  const lines = tailEvents(storage, path, {
    n: integer(typed, "lines"),
    follow: flag(typed, "follow"),
    signal: session.environment.signal,
  });
  return { kind: "lines", lines: shown(lines, session.say) };
};

async function* shown(
  lines: ReturnType<typeof tailEvents>,
  say: (line: string) => void,
): AsyncGenerator<{ readonly json: string; readonly text: string }> {
  for await (const line of lines) {
    if (line.kind === "problem") say(`warning: ${line.problem.message}`);
    else
      yield {
        json: line.text,
        text: `${line.event.timestamp_utc}  ${line.event.action}  ${JSON.stringify(line.event.metrics)}  ${line.event.actor.tool} ${line.event.actor.run_id}`,
      };
  }
}
