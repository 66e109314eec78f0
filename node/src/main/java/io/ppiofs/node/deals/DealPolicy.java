package io.ppiofs.node.deals;

import io.ppiofs.node.config.NodeConfig;
import io.ppiofs.overlay.identity.PeerId;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What a node does in deals of others.
 *
 * @param verifies whether it keeps keys for them
 * @param verifiers whom it trusts to keep its own keys when it sells; none: it sells nothing
 */
public record DealPolicy(boolean verifies, Set<PeerId> verifiers) {
    /** Neither. */
    public static final DealPolicy NONE = new DealPolicy(false, Set.of());

    public DealPolicy {
        verifiers = Set.copyOf(verifiers);
    }

    public static DealPolicy of(NodeConfig config) {
        return new DealPolicy(
                config.get(NodeConfig.DEALS_VERIFY),
                config.get(NodeConfig.DEALS_VERIFIERS).stream()
                        .map(PeerId::parse)
                        .collect(Collectors.toSet()));
    }
}
