/** Whether a host is a loopback address or `localhost`, which only this machine can reach. */
export const isLoopback = (host: string) => host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
