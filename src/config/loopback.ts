/** Whether a host name or address is this machine and none other: a server there cannot be reached from elsewhere. */
export function isLoopback(host: string): boolean {
  return /^(?:localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|::1?|\[::1?\])$/u.test(host);
}
