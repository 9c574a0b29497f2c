/** What the command that runs has opened. */
const opened: (() => Promise<void>)[] = [];

/** Has something closed when the command has ended. */
export function closeAtEnd(close: () => Promise<void>): void {
  opened.push(close);
}

/** Closes what the command has opened, the last first. */
export async function closeAll(): Promise<void> {
  for (let close = opened.pop(); close; close = opened.pop()) await close().catch(() => {}); // its work is done
}
