package io.ppiofs.overlay.gossip;

import io.ppiofs.overlay.host.ProtocolId;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** The protocols of the family, best first. */
enum GossipProtocol {
    /** Adds IDONTWANT. */
    MESHSUB_1_2("/meshsub/1.2.0"),
    /** Adds scores, back-off and referrals in PRUNE. */
    MESHSUB_1_1("/meshsub/1.1.0"),
    MESHSUB_1_0("/meshsub/1.0.0"),
    /** No control messages: every message to everybody. */
    FLOODSUB("/floodsub/1.0.0");

    static final List<ProtocolId> IDS =
            Arrays.stream(values()).map(GossipProtocol::id).toList();

    private final ProtocolId id;

    GossipProtocol(String name) {
        this.id = new ProtocolId(name);
    }

    ProtocolId id() {
        return id;
    }

    static Optional<GossipProtocol> of(ProtocolId id) {
        return Arrays.stream(values()).filter(p -> p.id.equals(id)).findFirst();
    }

    boolean hasMesh() {
        return this != FLOODSUB;
    }

    boolean hasBackoff() {
        return this == MESHSUB_1_1 || this == MESHSUB_1_2;
    }

    boolean hasDontWant() {
        return this == MESHSUB_1_2;
    }
}
