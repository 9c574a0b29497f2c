/**
 * The `user_agent_name` of the commands of this program, such as `xds watch`. They look at a configuration, and serve
 * no traffic with it.
 */
export const commandAgent = "xds";

/** Whether a node is a command of this program. Such nodes do not count in rollouts. */
export const isOwnCommand = ({ userAgentName }: { readonly userAgentName: string }): boolean =>
  userAgentName === commandAgent;
