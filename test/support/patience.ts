/**
 * How much longer than usual things may take. PROBEWRIGHT_PATIENCE=20 is for processors that are imitated; limits of time
 * that tests set themselves, or measure against, grow by it.
 */
const patience = Number(process.env.PROBEWRIGHT_PATIENCE ?? 1);

export function patient(milliseconds: number): number {
  return milliseconds * patience;
}
