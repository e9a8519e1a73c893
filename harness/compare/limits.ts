/** How much a comparison may be asked for. On its own, so that the command line need not load what it limits. */

/** More pairs than this tell nothing more. */
export const MOST_PAIRS = 500;
