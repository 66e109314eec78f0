package io.ppiofs.proofs.verify;

/**
 * What a verifier found.
 *
 * @param accepted whether the proof shows what it claims
 * @param reason half a sentence on the first thing that is wrong; empty if accepted
 */
public record Verdict(boolean accepted, String reason) {
    private static final Verdict ACCEPTED = new Verdict(true, "");

    public static Verdict accept() {
        return ACCEPTED;
    }

    public static Verdict reject(String reason) {
        return new Verdict(false, reason);
    }
}
