import { XdsError } from "../errors.js";
import { printableCut } from "../printable.js";
import { XdsApi } from "../resource/xds-api.js";
import type { Control, Who } from "./control.js";
import { Order } from "./order.js";
import { barredReport, heldReport } from "./reports.js";
import { resourceDocument, resourceEntry } from "./resource-entry.js";

/** The beginning of the paths of all questions and orders. */
export const controlPath = "/control/";

/** The sender of a request, as far as the transport knows. */
export interface Caller {
  /** Returns who gives the order. `claimed` is who the client claims to be. */
  who(claimed: string | undefined): Who;
  /** Whether the caller can read private keys and other secrets. */
  readonly seesSecrets: boolean;
}

/** How many characters of a claim are kept. */
const longestClaim = 100;

/** Somebody who can use the socket of a server, or a store: that proves no name. */
export const ownerOfSocket: Caller = {
  who: (claimed) => ({
    by: claimed === undefined ? "owner of the socket" : `claimed ${printableCut(claimed, longestClaim)}`,
  }),
  seesSecrets: true,
};

/** An answer: JSON, or bytes, or a JSON object with one list whose items are written one by one. */
export type Answer = { readonly json: object } | { readonly list: string; readonly of: AsyncIterable<object> } | Bytes;
interface Bytes {
  readonly bytes: Uint8Array;
}

interface Call {
  readonly control: Control;
  /** The part of the path in place of `*`. */
  readonly part: string;
  readonly query: URLSearchParams;
  readonly caller: Caller;
}

interface Question {
  readonly parameters: readonly string[];
  ask(call: Call): Promise<Answer> | Answer;
}

/** An order. Each order has a field `as`, which is who the client claims to be. */
interface Command {
  readonly fields: readonly string[];
  give(control: Control, order: Order, who: Who): Promise<object>;
}

const question = (ask: Question["ask"], ...parameters: string[]): Question => ({ parameters, ask });
const command = (give: Command["give"], ...fields: string[]): Command => ({ fields: [...fields, "as"], give });

/** An order that has only a reason. The answer is the state of the rollout after the order. */
const onRollout = (order: "pause" | "resume" | "promote" | "promoteNext" | "abort" | "unfreeze") =>
  command(async (control, given, who) => {
    await control[order](given.text("why"), who);
    return control.rollout();
  }, "why");

const mostAudit = 10_000;

const questions: Readonly<Record<string, Question>> = {
  history: question(async ({ control }) => ({ json: await control.history() })),
  rollout: question(async ({ control }) => ({ json: await control.rollout() })),
  audit: question(
    async ({ control, query }) => ({ json: await control.audit(Math.min(countIn(query, "most") ?? 50, mostAudit)) }),
    "most",
  ),
  "revisions/*": question(async ({ control, part }) => ({ json: await control.revision(numberOf(part)) })),
  "revisions/*/resources": question(
    ({ control, part, query, caller }) => {
      const withSecrets = query.get("secrets") === "true";
      if (withSecrets && !caller.seesSecrets)
        throw new XdsError(
          "PERMISSION_DENIED",
          "secrets are shown on the socket in the state directory only, not on the admin port",
        );
      const form = query.get("form") === "encoded" ? resourceEntry : resourceDocument;
      const resources = control.resources(numberOf(part), query.get("layer") ?? "/");
      return { list: "resources", of: mapped(resources, (one) => form(one, withSecrets)) };
    },
    "layer",
    "secrets",
    "form",
  ),
  descriptors: question(() => ({ bytes: XdsApi.default.descriptors })),
};

const commands: Readonly<Record<string, Command>> = {
  undo: command(
    (control, order, who) => {
      const [to, message] = [order.countIfAny("to"), order.textIfAny("message")];
      const what = {
        why: order.text("why"),
        ...(to !== undefined && { to }),
        ...(message !== undefined && { message }),
      };
      return control.undo(what, who);
    },
    ...["to", "why", "message"],
  ),
  "rollout/pause": onRollout("pause"),
  "rollout/resume": onRollout("resume"),
  "rollout/promote": onRollout("promote"),
  "rollout/promote-next": onRollout("promoteNext"),
  "rollout/abort": onRollout("abort"),
  "rollout/again": command(
    async (control, order, who) => ({
      again: barredReport(await control.again(order.text("of"), order.text("why"), who)),
    }),
    ...["of", "why"],
  ),
  freeze: command(
    async (control, order, who) => {
      const until = order.futureIfAny("until", control.time);
      await control.freeze({ why: order.text("why"), ...(until !== undefined && { until }) }, who);
      return control.rollout();
    },
    ...["why", "until"],
  ),
  unfreeze: onRollout("unfreeze"),
  approve: command(
    async (control, order, who) => {
      const why = order.textIfAny("why");
      const approved = await control.approve({ hash: order.text("hash"), ...(why !== undefined && { why }) }, who);
      return { approved: heldReport(approved) };
    },
    ...["hash", "why"],
  ),
};

/** The question or the order of a request. */
export interface Route {
  /** Whether {@link Route.answer} needs the body. Only orders have one. */
  readonly needsBody: boolean;
  answer(body: Uint8Array): Promise<Answer>;
}

/**
 * Finds the question or the order of a request.
 * @throws XdsError UNKNOWN_PATH, METHOD_NOT_ALLOWED, INVALID_REQUEST
 */
export function routeOf(control: Control, method: string, url: string, caller: Caller): Route {
  const [path = "", search = ""] = url.split(/\?(.*)/s);
  const [key, part] = keyOf(path.slice(controlPath.length));
  const asked = questions[key];
  const ordered = commands[key];
  if (!asked && !ordered) {
    const known = [...Object.keys(questions), ...Object.keys(commands)].map((one) => controlPath + one);
    throw new XdsError("UNKNOWN_PATH", `unknown path ${path}; the paths are ${known.join(", ")}`);
  }
  const needed = asked ? "GET" : "POST";
  if (method !== needed) throw new XdsError("METHOD_NOT_ALLOWED", `${method} ${path}: only ${needed} is supported`);
  const query = new URLSearchParams(search);
  const parameters = asked?.parameters ?? [];
  for (const name of query.keys())
    if (!parameters.includes(name))
      throw new XdsError(
        "INVALID_REQUEST",
        `${path} has no parameter ${JSON.stringify(name)}; it accepts ${parameters.join(", ") || "none"}`,
      );
  if (asked) return { needsBody: false, answer: async () => asked.ask({ control, part, query, caller }) };
  return {
    needsBody: true,
    answer: async (body) => {
      const order = new Order(body, ordered?.fields ?? []);
      const who = caller.who(order.textIfAny("as"));
      return { json: (await ordered?.give(control, order, who)) ?? {} };
    },
  };
}

/** The key of a path, and its variable part. For example, `revisions/12` has the key `revisions/*` and the part 12. */
function keyOf(path: string): [key: string, part: string] {
  const [, part, rest = ""] = /^revisions\/([^/]+)(\/.*)?$/.exec(path) ?? [];
  if (part !== undefined) return [`revisions/*${rest}`, part];
  return [Object.hasOwn(questions, path) || Object.hasOwn(commands, path) ? path : "", ""];
}

function numberOf(text: string): number {
  if (/^\d{1,15}$/.test(text) && Number(text) >= 1) return Number(text);
  throw new XdsError("INVALID_REQUEST", `${JSON.stringify(text)} is not the number of a revision`);
}

function countIn(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  if (/^\d{1,9}$/.test(text) && Number(text) >= 1) return Number(text);
  throw new XdsError("INVALID_REQUEST", `${name} must be a whole number from 1, is ${JSON.stringify(text)}`);
}

async function* mapped<A, B>(items: AsyncIterable<A>, change: (item: A) => B): AsyncIterable<B> {
  for await (const item of items) yield change(item);
}
