/**
 * How a property test runs: the same runs each time; with XDS_SOAK=1 ten times as many, from a seed that is new each
 * time and is printed. XDS_SEED repeats such a run, and CONVERGENCE_RUNS sets the number of runs.
 */
export function propertyRuns(test: string, usual: number, timeoutMs: number) {
  const soak = process.env.XDS_SOAK === "1";
  const given = Number(process.env.XDS_SEED) || undefined;
  const runs = Number(process.env.CONVERGENCE_RUNS) || undefined;
  const isUsual = !soak && given === undefined && runs === undefined;
  const seed = given ?? (isUsual ? 1 : Math.floor(Math.random() * 0x7fff_ffff) + 1);
  const numRuns = runs ?? (soak ? 10 * usual : usual);
  if (!isUsual)
    console.log(`${test}: ${numRuns} runs, seed ${seed}; to repeat them: XDS_SEED=${seed} CONVERGENCE_RUNS=${numRuns}`);
  return { seed, numRuns, timeoutMs: Math.ceil(Math.max(1, numRuns / usual)) * timeoutMs };
}
