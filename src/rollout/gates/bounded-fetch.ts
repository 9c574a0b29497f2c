/** The longest answer, in bytes. */
const mostBytes = 64 << 10;

/**
 * Fetches JSON. An answer can have at most 64 KiB. Redirects are errors.
 * @throws Error for a status other than 2xx, a longer answer, or an answer that is not JSON; also what `fetch` throws
 */
export async function fetchJson(url: URL, request: RequestInit & { readonly signal: AbortSignal }): Promise<unknown> {
  const response = await fetch(url, { redirect: "error", ...request });
  const text = await textOf(response);
  if (!response.ok) throw new Error(`${url.host} answers ${response.status}: ${text.slice(0, 200)}`);
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`the answer of ${url.host} is not JSON: ${text.slice(0, 200)}`);
  }
}

async function textOf({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop cancels the body.
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    if (bytes > mostBytes) throw new Error(`the answer has more than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** A signal that is aborted by the given signal or after this time. */
export const within = (ms: number, signal: AbortSignal): AbortSignal =>
  AbortSignal.any([signal, AbortSignal.timeout(ms)]);
