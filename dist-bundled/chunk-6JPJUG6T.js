import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  EnvoyValidator,
  mostRefused
} from "./chunk-DSS3NJDI.js";
import {
  UsageError
} from "./chunk-J3J7LZXM.js";
import {
  messageOf
} from "./chunk-27MTFUNG.js";

// dist/cli/envoy/served-verdict.js
async function envoyVerdict(binary) {
  const validator = await EnvoyValidator.find(binary);
  return async (reading) => {
    try {
      const { refused, isPartial } = await validator.ask(reading.configuration);
      const findings = refused.map((remark) => finding(remark, reading));
      if (!isPartial)
        return findings;
      const message = `Envoy refused ${mostRefused} resources and was not asked about the others; mend these first`;
      return [...findings, { file: binary, severity: "warning", code: "BOOTSTRAP", path: "", message }];
    } catch (error) {
      const message = `this Envoy could not be asked about the change, which is served all the same: ${messageOf(error)}`;
      return [{ file: binary, severity: "warning", code: "BOOTSTRAP", path: "", message }];
    }
  };
}
function finding({ of, message }, { places }) {
  const place = places.get(of) ?? { file: "" };
  const words = `Envoy refuses it: ${message}`;
  return {
    ...place,
    severity: "error",
    code: "ENVOY_RULE",
    type: of.type.name,
    resource: of.name,
    path: "",
    message: words
  };
}

// dist/rollout/gates/bounded-fetch.js
var mostBytes = 64 << 10;
async function fetchJson(url, request) {
  const response = await fetch(url, { redirect: "error", ...request });
  const text = await textOf(response);
  if (!response.ok)
    throw new Error(`${url.host} answers ${response.status}: ${text.slice(0, 200)}`);
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`the answer of ${url.host} is not JSON: ${text.slice(0, 200)}`);
  }
}
async function textOf({ body }) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    if (bytes > mostBytes)
      throw new Error(`the answer has more than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
var within = (ms, signal) => AbortSignal.any([signal, AbortSignal.timeout(ms)]);

// dist/rollout/gates/promql-gate.js
var mostLabels = 200;
var PromqlGate = class {
  options;
  name;
  everyMs;
  url;
  constructor(options) {
    this.options = options;
    this.name = options.name ?? "promql";
    this.everyMs = options.everyMs ?? 1e4;
    this.url = new URL(options.url);
    this.url.pathname = `${this.url.pathname.replace(/\/$/, "")}/api/v1/query`;
    this.url.searchParams.set("query", options.query);
  }
  /** Sends the query, and judges the values of its result. */
  async verdict({ signal }) {
    const { headers = {}, timeoutMs = 5e3 } = this.options;
    const samples = samplesOf(await fetchJson(this.url, { headers, signal: within(timeoutMs, signal) }));
    const red = samples.filter(({ value }) => value > 0);
    const unsure = samples.find(({ value }) => Number.isNaN(value));
    if (red[0]) {
      const worst = red.reduce((a, b) => b.value > a.value ? b : a);
      const more = red.length > 1 ? ` and ${red.length - 1} more` : "";
      return { verdict: "fail", text: `${worst.labels}${worst.value}${more}` };
    }
    if (unsure)
      return { verdict: "inconclusive", text: `${unsure.labels}not a number` };
    return { verdict: "pass", text: samples.length === 0 ? "an empty result" : "no value is above 0" };
  }
};
function samplesOf(answer) {
  const { status, error, data } = answer ?? {};
  if (status !== "success")
    throw new Error(`the query failed: ${error ?? "no reason was given"}`);
  if (data?.resultType === "scalar" && Array.isArray(data.result))
    return [{ labels: "", value: numberOf(data.result[1]) }];
  if (data?.resultType !== "vector" || !Array.isArray(data.result))
    throw new Error(`the query must return a vector or a scalar, returns ${JSON.stringify(data?.resultType)}`);
  return data.result.map(({ metric, value }) => ({
    labels: metric && Object.keys(metric).length > 0 ? `${JSON.stringify(metric).slice(0, mostLabels)} ` : "",
    value: numberOf(value?.[1])
  }));
}
var numberOf = (value) => value === "+Inf" ? Number.POSITIVE_INFINITY : Number(value);

// dist/rollout/gates/webhook-gate.js
var mostNodes = 1e3;
var mostText = 500;
var WebhookGate = class {
  options;
  name;
  everyMs;
  url;
  constructor(options) {
    this.options = options;
    this.name = options.name ?? "webhook";
    this.everyMs = options.everyMs ?? 1e4;
    this.url = new URL(options.url);
  }
  /** Sends the request, and returns the server's verdict. */
  async verdict({ rollout, candidates, others, signal }) {
    const { headers, timeoutMs = 5e3 } = this.options;
    const { id, revision, wave, share, startedAt, since } = rollout;
    const body = JSON.stringify({
      rollout: { id, revision, wave, share, startedAt, since },
      candidates: { count: candidates.length, nodes: candidates.slice(0, mostNodes) },
      others: { count: others.length }
    });
    const answer = await fetchJson(this.url, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body,
      signal: within(timeoutMs, signal)
    });
    const { verdict, text } = answer ?? {};
    if (verdict !== "pass" && verdict !== "fail" && verdict !== "inconclusive")
      throw new Error(`the answer's verdict must be pass, fail or inconclusive, is ${JSON.stringify(verdict)}`);
    return { verdict, text: typeof text === "string" ? text.slice(0, mostText) : "" };
  }
};

// dist/cli/settings/rollout-options.js
function rolloutOptions(settings) {
  const { rolloutStrategy, rolloutGateUrl, rolloutPromqlUrl, rolloutPromqlQuery, rolloutWebhook } = settings;
  const policy = {
    ...settings.rolloutWaves && { waves: settings.rolloutWaves },
    ...settings.rolloutBake && { bakeMs: settings.rolloutBake },
    ...settings.rolloutAppliedWithin !== void 0 && { appliedWithinMs: settings.rolloutAppliedWithin },
    ...settings.rolloutFewNodes !== void 0 && { fewNodes: settings.rolloutFewNodes },
    ...settings.rolloutNackRetries !== void 0 && { nackRetries: settings.rolloutNackRetries },
    ...settings.rolloutInconclusive && { inconclusive: settings.rolloutInconclusive },
    ...settings.rolloutMaxWait !== void 0 && { maxWaitMs: settings.rolloutMaxWait }
  };
  if (rolloutPromqlUrl === void 0 !== (rolloutPromqlQuery === void 0))
    throw new UsageError("--rollout-promql-url and --rollout-promql-query belong together; give both");
  if ((settings.rolloutNackRetries ?? 0) > 0 && settings.retryRefused === "off")
    throw new UsageError("--rollout-nack-retries needs --retry-refused on: nothing that was refused is sent again");
  const gates = [
    ...rolloutGateUrl === void 0 ? [] : [new WebhookGate({ url: rolloutGateUrl })],
    ...rolloutPromqlUrl !== void 0 && rolloutPromqlQuery !== void 0 ? [new PromqlGate({ url: rolloutPromqlUrl, query: rolloutPromqlQuery })] : []
  ];
  const isSet = Object.keys(policy).length + gates.length > 0 || rolloutWebhook !== void 0;
  if (rolloutStrategy === "all_at_once" && isSet)
    throw new UsageError("rollout.strategy is all_at_once, so no other rollout setting has an effect; leave them out");
  if (rolloutStrategy !== "gradual" && !isSet)
    return void 0;
  return { policy, gates, ...rolloutWebhook !== void 0 && { webhook: { url: rolloutWebhook } } };
}

export {
  envoyVerdict,
  rolloutOptions
};
