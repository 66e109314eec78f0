package io.ppiofs.fs.tree;

import org.jspecify.annotations.Nullable;

/**
 * One step of {@link MerkleTree#apply}. The arrays are not copied and must not change afterwards.
 *
 * @param key 1 … {@link MerkleTree#MAX_KEY_LENGTH} bytes
 * @param value 0 … {@link MerkleTree#MAX_VALUE_LENGTH} bytes, or null to delete the key (absent keys are no error)
 */
@SuppressWarnings("ArrayRecordComponent") // a carrier between two loops; identity is enough
public record Change(byte[] key, byte @Nullable [] value) {}
