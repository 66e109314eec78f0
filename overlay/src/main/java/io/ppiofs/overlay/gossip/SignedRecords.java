package io.ppiofs.overlay.gossip;

import io.ppiofs.overlay.identity.PeerId;
import org.jspecify.annotations.Nullable;

/** Where the signed peer records of others are kept, for referrals in PRUNE. Called on the host's scheduler. */
@FunctionalInterface
public interface SignedRecords {
    /** None: referrals carry peer ids only. */
    SignedRecords NONE = peer -> null;

    /** The newest envelope of a peer record that {@code peer} has signed, or null. */
    byte @Nullable [] record(PeerId peer);
}
