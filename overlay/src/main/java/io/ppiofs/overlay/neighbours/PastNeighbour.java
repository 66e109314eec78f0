package io.ppiofs.overlay.neighbours;

import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.time.Duration;
import java.util.List;

/**
 * A peer that was a neighbour.
 *
 * @param addresses where it was reached
 * @param spent how long it was a neighbour, all times together; older times count half for each week passed
 * @param lastMillis when it was one the last time, milliseconds since 1970
 */
public record PastNeighbour(PeerId peer, List<Multiaddr> addresses, Duration spent, long lastMillis) {
    private static final double HALF_LIFE_MILLIS = Duration.ofDays(7).toMillis();

    public PastNeighbour {
        addresses = List.copyOf(addresses);
    }

    /** The time spent together, in seconds, as much as it still counts. */
    double weight(long nowMillis) {
        double age = Math.max(0, nowMillis - lastMillis);
        return spent.toSeconds() * Math.pow(0.5, age / HALF_LIFE_MILLIS);
    }

    /** This and a further time together that ends now. */
    PastNeighbour again(List<Multiaddr> latest, Duration time, long nowMillis) {
        Duration counted = Duration.ofSeconds((long) weight(nowMillis)).plus(time);
        return new PastNeighbour(peer, latest.isEmpty() ? addresses : latest, counted, nowMillis);
    }
}
