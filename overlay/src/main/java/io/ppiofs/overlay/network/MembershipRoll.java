package io.ppiofs.overlay.network;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.identity.PeerId;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What one node of a private network knows of membership: its own certificate and the newest revocation list. Thread safe. */
public final class MembershipRoll {
    private final Genesis genesis;
    private final MembershipCertificate own;
    private final List<Consumer<RevocationList>> listeners = new CopyOnWriteArrayList<>();
    private @Nullable RevocationList list;

    /** @param list the newest list known from before, or null */
    public MembershipRoll(Genesis genesis, MembershipCertificate own, @Nullable RevocationList list) {
        if (!genesis.isPrivate()) {
            throw new IllegalArgumentException("network " + genesis.name() + " has no members");
        }
        this.genesis = genesis;
        this.own = own;
        this.list = list;
    }

    public Genesis genesis() {
        return genesis;
    }

    public MembershipCertificate own() {
        return own;
    }

    public synchronized Optional<RevocationList> revocations() {
        return Optional.ofNullable(list);
    }

    /** Version of the list that holds; 0 if there is none yet. */
    public synchronized long version() {
        return list == null ? 0 : list.version();
    }

    /** Calls {@code listener} with each newer list, on the thread that brought it: to keep it, to pass it on. */
    public void addListener(Consumer<RevocationList> listener) {
        listeners.add(listener);
    }

    /**
     * Takes a list that a peer sent.
     *
     * @return whether it is newer than what was known
     * @throws PpiofsException CORRUPT or UNSUPPORTED_FORMAT if it is no list of this network
     */
    public boolean offer(byte[] envelope) {
        RevocationList offered = RevocationList.decode(envelope, genesis);
        synchronized (this) {
            if (list != null && offered.version() <= list.version()) {
                return false;
            }
            list = offered;
        }
        listeners.forEach(listener -> listener.accept(offered));
        return true;
    }

    /**
     * The certificate, if it makes {@code peer} a member now.
     *
     * @param wallMillis this node's clock; a clock behind the newest list is taken to be wrong and set to it
     * @throws PpiofsException ACCESS_DENIED with the reason; CORRUPT or UNSUPPORTED_FORMAT if it is no certificate
     */
    public MembershipCertificate check(PeerId peer, byte[] certificate, long wallMillis) {
        MembershipCertificate read = MembershipCertificate.decode(certificate, genesis);
        if (!read.peer().equals(peer)) {
            throw denied(peer, "the certificate is of another peer");
        }
        requireInForce(read, wallMillis);
        return read;
    }

    /** @throws PpiofsException ACCESS_DENIED if the certificate is revoked, has expired or is not valid yet */
    public void requireInForce(MembershipCertificate certificate, long wallMillis) {
        RevocationList current = revocations().orElse(null);
        if (current != null && current.revokes(certificate)) {
            throw denied(certificate.peer(), "the certificate is revoked");
        }
        long now = current == null ? wallMillis : Math.max(wallMillis, current.issuedMillis());
        if (!certificate.inForceAt(now)) {
            throw denied(certificate.peer(), "the certificate has expired or is not valid yet");
        }
    }

    private PpiofsException denied(PeerId peer, String detail) {
        return new PpiofsException(
                ErrorKind.ACCESS_DENIED, "admit to network " + genesis.name(), peer.toString(), detail);
    }
}
