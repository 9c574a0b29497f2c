import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import type { XdsError } from "../../errors.js";
import type { Call, CallHandler } from "../../grpc/call.js";
import type { GrpcServer, Method } from "../../grpc/server.js";
import { StatusError, status } from "../../grpc/status.js";
import type { AccountedCaller } from "../../protocol/caller.js";
import type { Admission } from "../admission/admission.js";
import { ok } from "./grpc-methods.js";

/** The states of a service, with their numbers in grpc.health.v1. */
const health = { SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } as const;

type State = (typeof health)[keyof typeof health];

/** The largest request, in bytes. A request contains only the name of a service. */
const maxBytes = 4_096;
/**
 * How many Check calls may wait for their request. A probe sends its request at once, so above this number a new call
 * ends the oldest one.
 */
const mostWaiting = 1_000;

/**
 * The standard health service (grpc.health.v1). It reports the state of the whole server ("") and of each service. A
 * Check does not count towards `streams` and `newStreamsPerSecond`, so probes are answered even while all clients
 * reconnect. A Watch counts as a stream.
 */
export class HealthService {
  private state: State = health.SERVING;
  private readonly names: ReadonlySet<string>;
  private readonly watching = new Map<Call, string>();
  /** The open Check calls, the oldest first. */
  private readonly waiting = new Set<Call>();

  constructor(
    server: GrpcServer<AccountedCaller>,
    services: readonly string[],
    private readonly admission: Admission,
  ) {
    this.names = new Set(["", ...services]);
    server.add("/grpc.health.v1.Health/Check", this.check);
    server.add("/grpc.health.v1.Health/Watch", this.watch);
  }

  /** Ends all Watch calls with this error. */
  close(error: XdsError): void {
    for (const call of [...this.watching.keys()]) call.fail(error);
  }

  /** Reports NOT_SERVING from now on. */
  stop(): void {
    this.state = health.NOT_SERVING;
    for (const [call, service] of this.watching) call.send([this.answer(service)]);
  }

  private readonly check: Method<AccountedCaller> = (call) => {
    const answer = (service: string) => {
      if (!this.names.has(service)) throw new StatusError(status.NOT_FOUND, "the server has no such service");
      call.send([this.answer(service)]);
      call.end(ok);
    };
    const { waiting } = this;
    waiting.add(call);
    if (waiting.size > mostWaiting)
      for (const oldest of waiting) {
        oldest.abandon(new StatusError(status.RESOURCE_EXHAUSTED, "too many Check calls are open"));
        break;
      }
    return oneRequest(answer, { finished: () => waiting.delete(call) });
  };

  private readonly watch: Method<AccountedCaller> = (call, caller) => {
    const leave = this.admission.enterCall(caller);
    const begin = (service: string) => {
      this.watching.set(call, service);
      call.send([this.answer(service)]);
    };
    return oneRequest(begin, { closed: () => this.watching.delete(call), finished: leave });
  };

  /** An encoded HealthCheckResponse. */
  private answer(service: string): Uint8Array {
    return Uint8Array.of(0x08, this.names.has(service) ? this.state : health.SERVICE_UNKNOWN);
  }
}

/** The handler of a call with one HealthCheckRequest. `take` gets the service's name. */
function oneRequest(
  onService: (service: string) => void,
  { closed = () => {}, finished }: { closed?(): void; finished(): void },
): CallHandler {
  let service: string;
  return {
    isUnary: true,
    maxBytes,
    message: (bytes: Buffer) => {
      service = serviceOf(bytes);
    },
    end: () => onService(service),
    failed: () => {},
    closed,
    finished,
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
