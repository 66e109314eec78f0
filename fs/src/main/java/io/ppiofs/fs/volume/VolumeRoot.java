package io.ppiofs.fs.volume;

/** What derives from the root secret of a volume: the owner key and the top of the epoch chain. Labels are in docs/formats. */
final class VolumeRoot {
    private static final byte[] NO_SALT = new byte[0];

    private VolumeRoot() {}

    static OwnerKey owner(Secret root) {
        return new OwnerKey(new SigningKey(
                Secret.of(KeyDerivation.derive(root.bytes(), NO_SALT, "ppiofs/1/owner", Secret.LENGTH))));
    }

    /** Seed of the Ed25519 key that owns the volume's room on peers. */
    static Secret tenant(Secret root) {
        return Secret.of(KeyDerivation.derive(root.bytes(), NO_SALT, "ppiofs/1/tenant", Secret.LENGTH));
    }

    /** Salt of the hashing that proposes peers: who does not have it cannot grind an id into a group. */
    static Secret placementSalt(Secret root) {
        return Secret.of(KeyDerivation.derive(root.bytes(), NO_SALT, "ppiofs/1/placement", Secret.LENGTH));
    }

    /** What seals copies of the journal on peers: who can write can go on from them. */
    static Secret journalCopies(Secret root) {
        return Secret.of(KeyDerivation.derive(root.bytes(), NO_SALT, "ppiofs/1/journal-copies", Secret.LENGTH));
    }

    /** From which the keys of audits derive: tags and challenges are the owner's. */
    static Secret audit(Secret root) {
        return Secret.of(KeyDerivation.derive(root.bytes(), NO_SALT, "ppiofs/1/audit", Secret.LENGTH));
    }

    /** The secret of the last epoch there can be. */
    static Secret lastEpoch(Secret root) {
        return Secret.of(KeyDerivation.derive(root.bytes(), NO_SALT, "ppiofs/1/last-epoch", Secret.LENGTH));
    }
}
