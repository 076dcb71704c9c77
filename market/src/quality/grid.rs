//! The grid on which the times of bars lie.

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// The distance of the lines of the grid, in milliseconds, for bars of this length: the longest one that
/// begins anew with each hour or each day.
pub(super) fn of(length: i64) -> i64 {
    if length >= DAY {
        return DAY;
    }
    if DAY % length == 0 {
        return length;
    }
    greatest_common_divisor(length, HOUR)
}

/// Whether a time so far after a line of the grid is on it. Where the lines are further apart than an hour, an
/// hour more or less is summer time.
pub(super) const fn is_near(apart: i64, grid: i64) -> bool {
    apart == 0 || (grid > HOUR && (apart == HOUR || apart == grid - HOUR))
}

const fn greatest_common_divisor(a: i64, b: i64) -> i64 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
