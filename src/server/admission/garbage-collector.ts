/** The part of an inspector session that is used. */
interface InspectorSession {
  connect(): void;
  post(method: "HeapProfiler.collectGarbage", done: (error: Error | null) => void): void;
  disconnect(): void;
}

/** The part of `node:inspector` that is used. */
interface Inspector {
  readonly Session: new () => InspectorSession;
}

/**
 * How long to wait for a collection, in milliseconds. A collection takes about 2 s for each GB of small objects. The
 * event loop stands still meanwhile, so this timer does too.
 */
const patienceMs = 10_000;

/**
 * Makes V8 collect all garbage of this thread, in a turn of the event loop of its own. It uses the inspector's
 * protocol, which needs no flag and works beside a debugger. In two cases there is no inspector: under `--permission`,
 * and if Node was built without it. Then V8 collects when it must.
 */
export class GarbageCollector {
  private collecting: Promise<void> | undefined;

  constructor(
    private readonly load: () => Promise<Inspector> = () => import("node:inspector"),
    private readonly waitMs = patienceMs,
  ) {}

  /**
   * Resolves when garbage was collected, or cannot be collected. It never rejects. There is one collection at a time,
   * and all callers wait for the same one.
   */
  collect(): Promise<void> {
    this.collecting ??= this.collectNow().finally(() => {
      this.collecting = undefined;
    });
    return this.collecting;
  }

  private async collectNow(): Promise<void> {
    let session: InspectorSession | undefined;
    try {
      const { Session } = await this.load();
      session = new Session();
      session.connect();
      await this.posted(session);
    } catch {
      // There is no inspector, or it has refused.
    } finally {
      disconnect(session);
    }
  }

  /** Resolves when the inspector has answered, with or without an error, or when the time is over. */
  private posted(session: InspectorSession): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, this.waitMs).unref();
      const done = () => {
        clearTimeout(timer);
        resolve();
      };
      try {
        session.post("HeapProfiler.collectGarbage", done);
      } catch (error) {
        clearTimeout(timer);
        reject(error as Error);
      }
    });
  }
}

/** Ends the session, and the requests in it that have no answer yet. */
function disconnect(session: InspectorSession | undefined): void {
  try {
    session?.disconnect();
  } catch {
    // The session was never connected.
  }
}

/** The collector of this thread. All parts of the process share it, so that two collections never run at once. */
export const garbageCollector = new GarbageCollector();
