package io.ppiofs.overlay.network;

import io.ppiofs.cbor.MalformedException;

/** What a member of a private network may be. The ordinal is the number on the wire: append only. */
public enum Role {
    /** An ordinary peer. */
    MEMBER,
    /** May also act as a super peer: relay, discovery, persistent storage. */
    SUPER;

    static Role of(long number) throws MalformedException {
        if (number >= values().length) {
            throw new MalformedException("role " + number + " is unknown");
        }
        return values()[(int) number];
    }
}
