package io.ppiofs.node.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.control.Request;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.storage.GrantInvitation;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code ppiofs grant} while the node lends nothing. */
@Tag("quick")
class GrantOperationsTest {
    private static final SecureRandom SECRETS = new SecureRandom();

    @TempDir
    private Path directory;

    private final PeerId self = IdentityKey.generate(SECRETS).peerId();
    private final PeerId tenant = IdentityKey.generate(SECRETS).peerId();
    private GrantOperations grants;

    @BeforeEach
    void begin() {
        grants = new GrantOperations(
                directory,
                () -> null,
                () -> self,
                () -> List.of(Multiaddr.parse("/ip4/192.0.2.7/tcp/4001").withPeer(self)));
    }

    private Map<?, ?> ask(String operation, String... arguments) {
        Request request = new Request("grant." + operation);
        for (int i = 0; i < arguments.length; i += 2) {
            request = request.with(arguments[i], arguments[i + 1]);
        }
        return grants.handle(request);
    }

    private static void assertRefused(ErrorKind kind, Runnable call) {
        assertThatThrownBy(call::run)
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(kind));
    }

    @Test
    void tenants_are_added_listed_and_revoked() {
        assertThat(ask("add", "tenant", tenant.toString(), "bytes", "2GiB").get("bytes"))
                .isEqualTo(2L << 30);
        assertThat(ask("list").get("grants"))
                .asInstanceOf(InstanceOfAssertFactories.LIST)
                .singleElement()
                .asInstanceOf(InstanceOfAssertFactories.MAP)
                .containsEntry("tenant", tenant.toString())
                .containsEntry("kind", "allow-list")
                .containsEntry("state", "live");
        ask("revoke", "subject", tenant.toString());
        assertThat(ask("list").get("grants"))
                .asInstanceOf(InstanceOfAssertFactories.LIST)
                .singleElement()
                .asInstanceOf(InstanceOfAssertFactories.MAP)
                .containsEntry("state", "revoked");
        assertRefused(ErrorKind.NOT_FOUND, () -> ask("revoke", "subject", self.toString()));
    }

    @Test
    void an_invitation_names_this_node_and_can_be_withdrawn() {
        GrantInvitation invitation =
                GrantInvitation.parse((String) ask("invite", "bytes", "1GiB").get("invitation"));
        assertThat(invitation.operator()).isEqualTo(self);
        assertThat(invitation.bytes()).isEqualTo(1L << 30);
        assertThat(invitation.addresses()).containsExactly(Multiaddr.parse("/ip4/192.0.2.7/tcp/4001"));
        List<?> invitations = (List<?>) ask("list").get("invitations");
        String id = (String) ((Map<?, ?>) invitations.get(0)).get("id");
        ask("revoke", "subject", id);
        assertThat((List<?>) ask("list").get("invitations")).isEmpty();
    }

    @Test
    void the_open_mode_is_capped_and_closed_again() {
        assertThat(ask("open", "bytes", "10GiB", "perPrefix", "1GiB"))
                .extracting("perPrefix")
                .isEqualTo(1L << 30);
        assertThat(ask("open", "bytes", "10GiB")).extracting("perPrefix").isEqualTo(10L << 30);
        assertThat(ask("open", "bytes", "0")).extracting("bytes").isEqualTo(0L);
    }

    @Test
    void sizes_and_tenants_that_are_none_are_refused() {
        assertRefused(ErrorKind.INVALID, () -> ask("add", "tenant", "nobody", "bytes", "1GiB"));
        assertRefused(ErrorKind.INVALID, () -> ask("add", "tenant", tenant.toString(), "bytes", "much"));
        assertRefused(ErrorKind.INVALID, () -> ask("invite", "bytes", "0"));
        assertRefused(ErrorKind.NOT_SUPPORTED, () -> ask("dance"));
    }
}
