package io.ppiofs.node.deals;

import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.identity.PublicKey;
import io.ppiofs.proofs.pod.PodSigner;

/** A node as a party of deals, and the check of other parties' signatures: only peers whose id has their key can make deals. */
public final class DealParty implements PodSigner {
    private final IdentityKey key;

    DealParty(IdentityKey key) {
        this.key = key;
    }

    @Override
    public byte[] id() {
        return key.peerId().toBytes();
    }

    @Override
    public byte[] sign(byte[] message) {
        return key.sign(message);
    }

    /** Whether the peer with this binary id signed the message. */
    public static boolean signed(byte[] peer, byte[] message, byte[] signature) {
        try {
            PublicKey key = PeerId.fromBytes(peer).inlineKey();
            return key != null && key.verify(message, signature);
        } catch (PpiofsException e) {
            return false;
        }
    }
}
