package io.ppiofs.node;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What can be said of a volume without opening it.
 *
 * @param id text of the volume id
 * @param protection how its secrets rest in the home: {@code unprotected}, {@code passphrase}, {@code key file}
 * @param scheme how its blocks are kept on peers, {@code 3} or {@code 4+2}; null: they are only here
 * @param seal with which parameters holders shall seal closed groups; null: they shall not
 */
public record VolumeSummary(
        String name,
        String id,
        Instant created,
        String protection,
        @Nullable String scheme,
        @Nullable String seal) {}
