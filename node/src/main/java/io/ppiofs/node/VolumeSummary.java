package io.ppiofs.node;

import java.time.Instant;

/**
 * What can be said of a volume without opening it.
 *
 * @param id text of the volume id
 * @param protection how its secrets rest in the home: {@code unprotected}, {@code passphrase}, {@code key file}
 */
public record VolumeSummary(String name, String id, Instant created, String protection) {}
