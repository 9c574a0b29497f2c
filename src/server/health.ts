import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import type { XdsError } from "../errors.js";
import type { Call } from "../grpc/call.js";
import type { GrpcServer, Method } from "../grpc/server.js";
import { StatusError, status } from "../grpc/status.js";
import type { Admission } from "./admission.js";
import { type GrpcCaller, ok } from "./grpc-methods.js";

/** States of a service, by their numbers in grpc.health.v1. */
const health = { SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } as const;

type State = (typeof health)[keyof typeof health];

/** The longest request that is read, in bytes: it has the name of a service. */
const mostBytes = 4_096;
/**
 * How many calls of Check may wait for their request. A probe sends it at once, so the oldest is ended for a new one.
 */
const mostWaiting = 1_000;

/**
 * The standard health service (grpc.health.v1): the state of the whole ("") and of each service. A Check costs no seat
 * and no share of the new streams of a second, so that a probe is answered while clients come back. A Watch counts as a
 * stream.
 */
export class HealthService {
  private state: State = health.SERVING;
  private readonly names: ReadonlySet<string>;
  private readonly watching = new Map<Call, string>();
  /** Calls of Check that are open, the oldest first. */
  private readonly waiting = new Set<Call>();

  constructor(
    server: GrpcServer<GrpcCaller>,
    services: readonly string[],
    private readonly admission: Admission,
  ) {
    this.names = new Set(["", ...services]);
    server.add("/grpc.health.v1.Health/Check", this.check);
    server.add("/grpc.health.v1.Health/Watch", this.watch);
  }

  /** Ends all watches. */
  close(error: XdsError): void {
    for (const call of [...this.watching.keys()]) call.fail(error);
  }

  /** Reports NOT_SERVING from now on. */
  stop(): void {
    this.state = health.NOT_SERVING;
    for (const [call, service] of this.watching) call.send([this.answer(service)]);
  }

  private readonly check: Method<GrpcCaller> = (call) => {
    const answer = (service: string) => {
      if (!this.names.has(service)) throw new StatusError(status.NOT_FOUND, "the server has no such service");
      call.send([this.answer(service)]);
      call.end(ok);
    };
    const { waiting } = this;
    waiting.add(call);
    if (waiting.size > mostWaiting)
      for (const oldest of waiting) {
        oldest.abandon(new StatusError(status.RESOURCE_EXHAUSTED, "too many calls of Check are open"));
        break;
      }
    return oneRequest(answer, { gone: () => waiting.delete(call) });
  };

  private readonly watch: Method<GrpcCaller> = (call, caller) => {
    const leave = this.admission.enterCall(caller);
    const begin = (service: string) => {
      this.watching.set(call, service);
      call.send([this.answer(service)]);
    };
    return oneRequest(begin, { closed: () => this.watching.delete(call), gone: leave });
  };

  /** A HealthCheckResponse. */
  private answer(service: string): Uint8Array {
    return Uint8Array.of(0x08, this.names.has(service) ? this.state : health.SERVICE_UNKNOWN);
  }
}

/** A call with one HealthCheckRequest. */
function oneRequest(take: (service: string) => void, { closed = () => {}, gone }: { closed?(): void; gone(): void }) {
  let service: string;
  return {
    isUnary: true,
    mostBytes,
    message: (bytes: Buffer) => {
      service = serviceOf(bytes);
    },
    end: () => take(service),
    failed: () => {},
    closed,
    gone,
  };
}

function serviceOf(bytes: Buffer): string {
  try {
    const reader = new BinaryReader(bytes);
    let service = "";
    while (reader.pos < reader.len) {
      const [field, type] = reader.tag();
      if (field === 1 && type === WireType.LengthDelimited) service = reader.string();
      else reader.skip(type, field);
    }
    return service;
  } catch {
    throw new StatusError(status.INVALID_ARGUMENT, "not a HealthCheckRequest");
  }
}
