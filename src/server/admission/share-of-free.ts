/**
 * An address may have this many times as much of a limit as is still free. So one address takes at most three quarters,
 * and each new address finds some room.
 */
export const shareOfFree = 3;
