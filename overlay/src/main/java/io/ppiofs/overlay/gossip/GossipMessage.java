package io.ppiofs.overlay.gossip;

import io.ppiofs.overlay.identity.PeerId;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A message as the application sees it.
 *
 * @param author who signed it; null under {@link SignaturePolicy#STRICT_NO_SIGN}
 * @param data not to be changed
 * @param receivedFrom the peer that brought it first
 */
public record GossipMessage(
        MessageId id, String topic, @Nullable PeerId author, byte[] data, PeerId receivedFrom) {
    public Optional<PeerId> signer() {
        return Optional.ofNullable(author);
    }
}
