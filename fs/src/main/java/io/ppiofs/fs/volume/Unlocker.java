package io.ppiofs.fs.volume;

/** Asked for the passphrase or key file once it is known which of them a volume needs; not asked for unprotected ones. */
@FunctionalInterface
public interface Unlocker {
    /**
     * @param kind {@link Protection.Kind#PASSPHRASE} or {@link Protection.Kind#KEY_FILE}
     * @param subject what is to be unlocked, for a prompt
     * @return a protection of that kind
     */
    Protection unlock(Protection.Kind kind, String subject);

    /** Answers with what is there, whatever is asked. */
    static Unlocker of(Protection protection) {
        return (kind, subject) -> protection;
    }
}
