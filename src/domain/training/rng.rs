//! The random numbers of one training, from a counter-based generator.
//!
//! Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
//! A number is a pure function of a key and a counter, so nothing is shared between trainings, and the
//! numbers of any batch can be computed without those of the batches before it.

/// What numbers are drawn for. The streams of different purposes have no numbers in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Initial weights of a layer.
    Weights {
        /// The layer, from 0.
        layer: u16,
    },
    /// The order of the rows in an epoch.
    Order {
        /// The epoch, from 0.
        epoch: u32,
    },
    /// Which units of a layer are dropped in a batch.
    Dropout {
        /// The epoch, from 0.
        epoch: u32,
        /// The batch, from 0.
        batch: u32,
        /// The layer, from 0.
        layer: u16,
    },
}

#[derive(Clone, Debug)]
pub(super) struct Stream {
    key: [u32; 2],
    counter: [u32; 4],
    block: [u32; 4],
    used: usize,
}

impl Stream {
    /// The stream of a seed and a purpose.
    pub(super) const fn new(seed: u64, purpose: Purpose) -> Self {
        let (tag, epoch, batch, layer) = match purpose {
            Purpose::Weights { layer } => (0, 0, 0, layer),
            Purpose::Order { epoch } => (1, epoch, 0, 0),
            Purpose::Dropout {
                epoch,
                batch,
                layer,
            } => (2, epoch, batch, layer),
        };
        Self {
            key: [seed as u32, (seed >> 32) as u32],
            counter: [0, batch, epoch, (tag << 16) | layer as u32],
            block: [0; 4],
            used: 4,
        }
    }

    /// The next 32 bits.
    pub(super) fn bits(&mut self) -> u32 {
        if self.used == self.block.len() {
            self.block = self.next_block();
            self.used = 0;
        }
        self.used += 1;
        self.block[self.used - 1]
    }

    /// The next number in [0, 1), a multiple of 2^-24.
    pub(super) fn unit(&mut self) -> f32 {
        (self.bits() >> 8) as f32 * (1.0 / 16_777_216.0)
    }

    /// The next number in [-bound, bound).
    pub(super) fn within(&mut self, bound: f32) -> f32 {
        (2.0 * self.unit() - 1.0) * bound
    }

    /// The next number in 0..n, all equally likely (Lemire: "Fast random integer generation in an interval",
    /// ACM TOMACS 2019). `n` is not 0.
    fn below(&mut self, n: u32) -> u32 {
        let rejected = n.wrapping_neg() % n;
        loop {
            let product = u64::from(self.bits()) * u64::from(n);
            if product as u32 >= rejected {
                return (product >> 32) as u32;
            }
        }
    }

    /// The numbers 0..n in an order that is as likely as any other (Fisher and Yates, in Durstenfeld's form).
    pub(super) fn order(&mut self, n: u32) -> Vec<i64> {
        let mut order: Vec<i64> = (0..i64::from(n)).collect();
        for last in (1..n).rev() {
            let other = self.below(last + 1);
            order.swap(last as usize, other as usize);
        }
        order
    }

    /// Fills `mask` with 0 for units that are dropped, with the probability `dropped`, and with
    /// 1 / (1 - dropped) for the others (inverted dropout: Srivastava et al., JMLR 2014). 16 bits decide about
    /// a unit, so the probability is a multiple of 2^-16.
    pub(super) fn drop_units(&mut self, mask: &mut [f32], dropped: f32) {
        let kept = 1.0 / (1.0 - dropped);
        let limit = (dropped * 65_536.0).round() as u32;
        for units in mask.chunks_mut(8) {
            let [a, b, c, d] = self.next_block();
            let halves = [a, a >> 16, b, b >> 16, c, c >> 16, d, d >> 16];
            for (unit, half) in units.iter_mut().zip(halves) {
                *unit = if half & 0xFFFF < limit { 0.0 } else { kept };
            }
        }
    }

    fn next_block(&mut self) -> [u32; 4] {
        let block = philox(self.counter, self.key);
        self.counter[0] = self.counter[0].wrapping_add(1);
        block
    }
}

/// One block of Philox4x32 with ten rounds.
const fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    const MULTIPLIERS: [u64; 2] = [0xD251_1F53, 0xCD9E_8D57];
    const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
    let mut round = 0;
    while round < 10 {
        let first = MULTIPLIERS[0] * counter[0] as u64;
        let second = MULTIPLIERS[1] * counter[2] as u64;
        counter = [
            (second >> 32) as u32 ^ counter[1] ^ key[0],
            second as u32,
            (first >> 32) as u32 ^ counter[3] ^ key[1],
            first as u32,
        ];
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
        round += 1;
    }
    counter
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers that the authors published with Random123 (`kat_vectors`, philox4x32 10).
    #[test]
    fn gives_the_published_answers() {
        let known = [
            (
                [0; 4],
                [0; 2],
                [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8],
            ),
            (
                [u32::MAX; 4],
                [u32::MAX; 2],
                [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd],
            ),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ];
        for (counter, key, answer) in known {
            assert_eq!(philox(counter, key), answer);
        }
    }

    #[test]
    fn an_order_has_each_row_once_and_depends_on_seed_and_epoch() {
        let order = |seed, epoch| Stream::new(seed, Purpose::Order { epoch }).order(1_000);
        let mut sorted = order(1, 0);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..1_000).collect::<Vec<i64>>());
        assert_eq!(order(1, 0), order(1, 0));
        assert_ne!(order(1, 0), order(1, 1));
        assert_ne!(order(1, 0), order(2, 0));
        assert_eq!(Stream::new(1, Purpose::Order { epoch: 0 }).order(1), [0]);
        assert!(
            Stream::new(1, Purpose::Order { epoch: 0 })
                .order(0)
                .is_empty()
        );
    }

    #[test]
    fn each_place_is_as_likely_as_the_other() {
        let mut seen = [[0_u32; 5]; 5];
        for epoch in 0..10_000 {
            let order = Stream::new(7, Purpose::Order { epoch }).order(5);
            for (place, row) in order.into_iter().enumerate() {
                seen[place][row as usize] += 1;
            }
        }
        // The expected count is 2,000 with a standard deviation of 40; six of them are allowed.
        for count in seen.into_iter().flatten() {
            assert!((1_760..=2_240).contains(&count), "{seen:?}");
        }
    }

    #[test]
    fn a_dropout_mask_drops_the_share_asked_for_and_keeps_the_mean() {
        let purpose = Purpose::Dropout {
            epoch: 3,
            batch: 4,
            layer: 1,
        };
        let mut mask = vec![9.0; 100_000];
        Stream::new(42, purpose).drop_units(&mut mask, 0.2);
        let dropped = mask.iter().filter(|value| **value == 0.0).count();
        assert!((19_200..=20_800).contains(&dropped), "{dropped}");
        assert!(mask.iter().all(|value| *value == 0.0 || *value == 1.25));
        let again = |batch| {
            let mut mask = vec![0.0; 64];
            let purpose = Purpose::Dropout {
                epoch: 3,
                batch,
                layer: 1,
            };
            Stream::new(42, purpose).drop_units(&mut mask, 0.5);
            mask
        };
        assert_ne!(again(4), again(5));
    }

    #[test]
    fn units_are_in_their_range_and_fill_it() {
        let mut stream = Stream::new(u64::MAX, Purpose::Weights { layer: 0 });
        let units: Vec<f32> = (0..100_000).map(|_| stream.unit()).collect();
        assert!(units.iter().all(|unit| (0.0..1.0).contains(unit)));
        let mean = units.iter().sum::<f32>() / units.len() as f32;
        assert!((mean - 0.5).abs() < 0.006, "{mean}");
        assert!((0..1_000).all(|_| (-0.25..0.25).contains(&stream.within(0.25))));
    }
}
