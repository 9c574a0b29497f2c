import type { StreamInfo } from "../../protocol/stream-events.js";
import type { RationedLog } from "../../rationed-log.js";
import { findResourceType } from "../../resource/default-api.js";
import type { Callbacks, StreamNack } from "../../server/callbacks.js";

/** Callbacks that log one line for a stream's first request, for its end, and for each NACK. */
export function streamLog(log: RationedLog): Callbacks {
  // A stream is logged when its node is known, with the first request.
  /** Stream id → time of the first request, from `performance.now()`. */
  const open = new Map<number, number>();
  const onRequest = (stream: StreamInfo) => {
    if (open.has(stream.id)) return;
    open.set(stream.id, performance.now());
    log.info(fieldsOf(stream), "stream opened");
  };
  const onClosed = (stream: StreamInfo) => {
    const since = open.get(stream.id);
    if (since === undefined) return;
    open.delete(stream.id);
    log.info({ ...fieldsOf(stream), seconds: Math.round((performance.now() - since) / 1000) }, "stream closed");
  };
  return {
    onStreamRequest: onRequest,
    onStreamDeltaRequest: onRequest,
    onStreamClosed: onClosed,
    onDeltaStreamClosed: onClosed,
    onStreamNack: (nack) => log.warn(nackFields(nack), "the client NACKed a response and keeps what it had"),
  };
}

const typeName = (typeUrl: string) => findResourceType(typeUrl)?.name ?? typeUrl;

function fieldsOf({ id, variant, typeUrl, peer, node }: StreamInfo): object {
  const service = typeUrl === "" ? "ads" : typeName(typeUrl);
  return { stream: id, node: node?.id, cluster: node?.cluster, service, variant, peer };
}

/** The most names in one line. */
const mostNames = 5;

function nackFields({ stream, typeUrl, version, nonce, resources, removedResources, error }: StreamNack): object {
  return {
    stream: stream.id,
    peer: stream.peer,
    node: stream.node?.id,
    type: typeName(typeUrl),
    version,
    nonce,
    resources: resources.slice(0, mostNames).map(({ name }) => name),
    ...(resources.length > mostNames && { more: resources.length - mostNames }),
    ...(removedResources.length > 0 && { removed: removedResources.slice(0, mostNames) }),
    error: error.message.trim(),
  };
}
