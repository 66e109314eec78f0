package io.ppiofs.fs.volume;

/** What derives from the root secret of a volume: the owner key and the top of the epoch chain. Labels are in docs/formats. */
final class VolumeRoot {
    private static final byte[] NO_SALT = new byte[0];

    private VolumeRoot() {}

    static OwnerKey owner(Secret root) {
        return new OwnerKey(new SigningKey(
                Secret.of(KeyDerivation.derive(root.bytes(), NO_SALT, "ppiofs/1/owner", Secret.LENGTH))));
    }

    /** The secret of the last epoch there can be. */
    static Secret lastEpoch(Secret root) {
        return Secret.of(KeyDerivation.derive(root.bytes(), NO_SALT, "ppiofs/1/last-epoch", Secret.LENGTH));
    }
}
