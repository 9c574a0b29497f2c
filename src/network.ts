const mapped = /^::ffff:(?=\d+\.)/i;

/**
 * Returns the client network of a peer (`<IP address>:<port>`). All counts and limits per address use this key.
 *
 * For IPv4 the key is the address, also if a dual-stack socket writes it as `::ffff:192.0.2.1`. For IPv6 the key is the
 * network of 64 bits, such as `2001:db8:0:1::/64`, because one client can use all addresses of its network.
 */
export function networkOf(peer: string): string {
  const address = peer.replace(/:\d+$/, "").replace(mapped, "");
  if (!address.includes(":")) return address;
  const [head = "", tail = ""] = address.replace(/%.*$/, "").split("::");
  const groups = head === "" ? [] : head.split(":");
  const last = tail === "" ? [] : tail.split(":");
  while (groups.length + last.length < 8) groups.push("0");
  return `${[...groups, ...last].slice(0, 4).join(":")}::/64`;
}
