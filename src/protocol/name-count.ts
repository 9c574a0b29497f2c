/** The most names in one step of long work. Each 64 characters of a name count as one name more. */
const namesAtOnce = 1_000;

/** Counts a name in this step. Returns 0 if the step is full. Then the next step begins. */
export function counted(before: number, name: string): number {
  const count = before + 1 + (name.length >> 6);
  return count >= namesAtOnce ? 0 : count;
}
