"""Sizes, action numbers and array columns that every part of the environment shares."""

SLOTS = 15
CANDIDATES = 2 * SLOTS
"""Candidate i < 15 is the medicine in slot i, 15 + i its alternative."""
PAIRS = SLOTS * (SLOTS - 1) // 2
INTERVENTIONS = 4
FIRST_INTERVENTION = PAIRS
FINISH = PAIRS + SLOTS * INTERVENTIONS
ACTIONS = FINISH + 1

STOP, REDUCE, SUBSTITUTE, MONITOR = range(INTERVENTIONS)
"""The four interventions; action FIRST_INTERVENTION + 4 * slot + one of these."""

UNKNOWN, NONE, MINOR, MODERATE, SEVERE = range(5)
"""What is known of a pair: not asked yet, or the severity found."""

# Columns of `state`, int32, one row an environment. The first four are not for an agent to see.
(
    CASE,  # the compiled case it plays
    EPISODE,  # the episode's index
    POINTS,  # regimen risk now
    RESOLVED,  # easy_screening: the severe pair was taken to moderate or below by a targeted intervention
    STOPPED,  # bits of slots stopped without replacement
    SWITCHED,  # bits of slots that hold their alternative
    REDUCED,  # bits of slots whose dose was reduced
    MONITORED,  # bits of slots that are monitored
    QUERIES_LEFT,
    INTERVENTIONS_LEFT,
    STEPS_LEFT,
    TARGETED,  # interventions made on evidence
    UNTARGETED,
    FOUND,  # severe pairs found among the medicines the episode began with
    CRITICAL_STOPS,  # critical medicines stopped without replacement
    EVIDENCE,  # bits of slots with which a moderate or severe pair was found
    DONE,  # how an episode that stays ended did so: 1 finished, 2 out of time
) = range(17)
STATE_COLUMNS = 17
SEEN_COLUMNS = slice(STOPPED, STATE_COLUMNS)

# Columns of `facts`, int32, one row a case.
(
    DRUGS,  # slots in use
    ALTERNATIVES,  # bits of slots that have an alternative
    CRITICAL,  # bits of slots whose medicine must not be stopped without replacement
    FLAGS,  # bits of candidates that show a Beers or organ flag
    START_POINTS,
    SEVERE_PAIRS,
    SEVERE_PAIR,  # easy_screening: number of the one severe pair; -1 elsewhere
) = range(7)
CASE_FACTS = 7

# Entries of `rules`, int32: the task.
TASK, MAX_QUERIES, MAX_INTERVENTIONS, MAX_STEPS, SCALE = range(5)
EASY_SCREENING, BUDGETED_SCREENING, COMPLEX_TRADEOFF = range(3)

# A pair's byte: its code, and whose dose reduction helps.
CODE = 15
ROW_DOSE = 16
COLUMN_DOSE = 32

# A link: the candidate, and above it the pair's byte.
LINK_CANDIDATE = 31
LINK_CODE = 5

MICRO = 1_000_000
"""Rewards and grades are counted in millionths, so that every backend agrees to the bit."""


def pair_number(i: int, j: int) -> int:
    """The number of the pair of slots i < j: 0 for (0, 1), 104 for (13, 14)."""
    return i * (2 * SLOTS - i - 1) // 2 + j - i - 1
