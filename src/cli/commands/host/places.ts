/** The places of the system's service, as the unit that comes with steward makes them. */
export const SERVICE = {
  file: "/etc/steward/steward.yaml",
  data: "/var/lib/steward",
  socket: "/run/steward/steward.sock",
} as const;
