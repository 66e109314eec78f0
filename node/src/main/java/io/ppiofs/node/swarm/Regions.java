package io.ppiofs.node.swarm;

import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.storage.StorageAdvert;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Which peers are near by the region labels that they say of themselves: those first that share the most labels with this node, from wide to
 * narrow ({@code eu de cellar}). Only a preference: measured speed decides in the end (Fetcher). PPIO's P4P in its simplest form. Thread-safe.
 *
 * <p>Cost: none without labels of this node; else a look at the known adverts for each batch of blocks.
 */
final class Regions {
    private final List<String> own;
    private final Supplier<Collection<StorageAdvert>> adverts;

    /** @param own labels of this node, from wide to narrow; empty: nobody is near */
    Regions(List<String> own, Supplier<Collection<StorageAdvert>> adverts) {
        this.own = List.copyOf(own);
        this.adverts = adverts;
    }

    /** How many labels each peer shares with this node. Those that share none are missing. */
    Map<PeerId, Integer> shared() {
        Map<PeerId, Integer> shared = new HashMap<>();
        if (!own.isEmpty()) {
            for (StorageAdvert advert : adverts.get()) {
                int equal = 0;
                while (equal < Math.min(own.size(), advert.regions().size())
                        && own.get(equal).equals(advert.regions().get(equal))) {
                    equal++;
                }
                if (equal > 0) {
                    shared.put(advert.operator(), equal);
                }
            }
        }
        return shared;
    }

    /** The nearest first, otherwise in the order given. @param shared as {@link #shared} has said */
    static List<PeerId> nearFirst(List<PeerId> peers, Map<PeerId, Integer> shared) {
        if (shared.isEmpty()) {
            return peers;
        }
        List<PeerId> sorted = new ArrayList<>(peers);
        sorted.sort(Comparator.comparingInt((PeerId peer) -> -shared.getOrDefault(peer, 0)));
        return sorted;
    }
}
