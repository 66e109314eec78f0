package io.ppiofs.fs.volume;

/** A writer key and the owner's certificate for it. */
public record WriterIdentity(WriterKey key, WriterCertificate certificate) {
    public WriterIdentity {
        if (!key.publicKey().equals(certificate.writer())) {
            throw new IllegalArgumentException("the certificate is for another writer key");
        }
    }

    /** The slot that stamps dots and inode numbers. */
    public int slot() {
        return certificate.slot();
    }
}
