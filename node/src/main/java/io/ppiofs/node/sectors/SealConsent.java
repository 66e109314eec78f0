package io.ppiofs.node.sectors;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.proofs.sdr.SealParameters;
import java.util.Set;

/**
 * Which slots a node that lends seals for their tenants.
 *
 * @param parameters names of the parameters that it takes; none: it seals for nobody
 * @param bytes that the replicas may take, all together, beside what is lent; with layers and trees of those that nobody has accepted yet
 */
public record SealConsent(Set<String> parameters, long bytes) {
    /** To seal for nobody. */
    public static final SealConsent NONE = new SealConsent(Set.of(), 0);

    /** @throws PpiofsException INVALID */
    public SealConsent {
        parameters = Set.copyOf(parameters);
        parameters.forEach(SealParameters::named);
        if (bytes < 0 || (!parameters.isEmpty() && bytes == 0)) {
            throw new PpiofsException(ErrorKind.INVALID, "seal", bytes + " bytes", "give a size like 100GiB");
        }
    }

    boolean takes(String name) {
        return parameters.contains(name);
    }
}
