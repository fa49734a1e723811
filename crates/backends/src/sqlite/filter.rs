//! A Bloom filter in blocks of one cache line's half: asks memory once per question, says "no" for certain or "perhaps"
//! wrongly for about one in two hundred. Twelve bits a hash. The layout is the split-block filter of Parquet.

/// Words of a block; each hash sets one bit in each.
const WORDS: usize = 8;
/// Bits of filter per hash that it holds.
const BITS_PER_HASH: usize = 12;
/// Odd multipliers that spread one hash over the words of its block.
const SALTS: [u32; WORDS] =
    [0x47b6_137b, 0x4497_4d91, 0x8824_ad5b, 0xa2b7_289d, 0x7054_95c7, 0x2df1_424b, 0x9efc_4947, 0x5c6b_fb31];

/// Hashes that were put in. INVARIANT: the hashes are well mixed; ours are heads of SHA-256 digests.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    blocks: Vec<[u32; WORDS]>,
}

impl Filter {
    /// An empty filter with room for so many hashes.
    pub(super) fn for_hashes(hashes: usize) -> Self {
        let blocks = (hashes * BITS_PER_HASH).div_ceil(WORDS * 32).max(1);
        Self { blocks: vec![[0; WORDS]; blocks] }
    }

    /// Puts a hash in.
    pub(super) fn put(&mut self, hash: i64) {
        let (block, bits) = self.place(hash);
        for (word, bit) in self.blocks[block].iter_mut().zip(bits) {
            *word |= bit;
        }
    }

    /// Whether a hash may be in; never wrong when it says no.
    pub(super) fn may_hold(&self, hash: i64) -> bool {
        let (block, bits) = self.place(hash);
        self.blocks[block].iter().zip(bits).all(|(word, bit)| word & bit != 0)
    }

    /// As it is kept in the file.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        self.blocks.iter().flatten().flat_map(|word| word.to_le_bytes()).collect()
    }

    /// What was kept; `None` where the length is not that of a filter.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (blocks, rest) = bytes.as_chunks::<{ WORDS * 4 }>();
        if blocks.is_empty() || !rest.is_empty() {
            return None;
        }
        let block = |bytes: &[u8; WORDS * 4]| {
            let mut words = [0; WORDS];
            for (word, chunk) in words.iter_mut().zip(bytes.as_chunks::<4>().0) {
                *word = u32::from_le_bytes(*chunk);
            }
            words
        };
        Some(Self { blocks: blocks.iter().map(block).collect() })
    }

    fn place(&self, hash: i64) -> (usize, [u32; WORDS]) {
        let bytes = hash.to_be_bytes();
        let high = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        let low = u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
        let scaled = (u64::from(high) * self.blocks.len() as u64) >> 32;
        let block = usize::try_from(scaled).unwrap_or(0);
        (block, SALTS.map(|salt| 1 << (low.wrapping_mul(salt) >> 27)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(n: u64) -> i64 {
        model::Digest::of(&n.to_be_bytes()).short().cast_signed()
    }

    #[test]
    fn what_was_put_in_is_found_and_little_else() {
        let mut filter = Filter::for_hashes(20_000);
        (0..20_000).for_each(|n| filter.put(hash(n)));
        assert!((0..20_000).all(|n| filter.may_hold(hash(n))));
        let wrong = (20_000..120_000).filter(|n| filter.may_hold(hash(*n))).count();
        assert!(wrong < 1_000, "{wrong} of 100000");
    }

    #[test]
    fn a_filter_reads_back_what_it_keeps() {
        let mut filter = Filter::for_hashes(1_000);
        (0..1_000).for_each(|n| filter.put(hash(n)));
        let bytes = filter.to_bytes();
        assert_eq!(Filter::from_bytes(&bytes).map(|read| read.blocks), Some(filter.blocks));
        assert!(Filter::from_bytes(&bytes[1..]).is_none());
    }
}
