package io.ppiofs.overlay.gossip;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A message as it is on the wire. Null: the field is absent. The arrays are not copied and must not be changed.
 *
 * @param from the author's peer id
 * @param sequence eight bytes, big endian, unique for the author
 * @param signature by the author's key over "libp2p-pubsub:" and the message without signature and key
 * @param key the author's public key, if {@code from} does not carry it
 */
record Message(
        byte @Nullable [] from,
        byte[] data,
        byte @Nullable [] sequence,
        String topic,
        byte @Nullable [] signature,
        byte @Nullable [] key) {
    Message withSignature(byte[] value) {
        return new Message(from, data, sequence, topic, value, key);
    }

    @Override
    public boolean equals(@Nullable Object o) {
        return o instanceof Message m
                && Arrays.equals(from, m.from)
                && Arrays.equals(data, m.data)
                && Arrays.equals(sequence, m.sequence)
                && topic.equals(m.topic)
                && Arrays.equals(signature, m.signature)
                && Arrays.equals(key, m.key);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(data) + Arrays.hashCode(sequence);
    }

    @Override
    public String toString() {
        return "message of " + data.length + " bytes on " + topic;
    }
}
