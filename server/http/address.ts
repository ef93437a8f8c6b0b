/**
 * Who is on the other end of a connection, as text. A proxy on our own machine or network (compose, a load balancer) is believed when it
 * says whom it speaks for; anybody else could write that header themself and is not.
 */
const MAPPED_V4 = /^(?:0000:){5}ffff:([0-9a-f]{2})([0-9a-f]{2}):([0-9a-f]{2})([0-9a-f]{2})$/;
const LOOPBACK = /^(127\.|::1$|(?:0000:){7}0001$)/;
const PRIVATE = /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|f[cd][0-9a-f]{2}:)/;

/** uWebSockets.js writes IPv6 in full, and IPv4 inside it when it listens on `::`. */
export function plainAddress(text: string): string {
  const mapped = MAPPED_V4.exec(text);
  return mapped === null
    ? text
    : mapped
        .slice(1)
        .map((byte) => parseInt(byte, 16))
        .join('.');
}

export const isLoopback = (address: string): boolean => LOOPBACK.test(address);

/** The last entry is the one our own proxy wrote; those before it are the client's claims. */
export function clientAddress(remote: string, forwardedFor: string): string {
  const address = plainAddress(remote);
  if (forwardedFor === '' || !(LOOPBACK.test(address) || PRIVATE.test(address))) return address;
  const last = forwardedFor.slice(forwardedFor.lastIndexOf(',') + 1).trim();
  return /^[0-9a-fA-F.:]{2,45}$/.test(last) ? last : address;
}
