package io.ppiofs.node;

import java.lang.management.ManagementFactory;
import javax.management.JMException;
import javax.management.ObjectName;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the virtual machine which code its optimising compiler shall leave to the quick one. The option that reads the same
 * file at the start of the virtual machine writes a line to the standard output, which belongs to the command.
 *
 * <p>Source: JEP 165, compiler control; {@code Compiler.directives_add} of jcmd.
 */
final class CompilerDirectives {
    private static final Logger LOG = LoggerFactory.getLogger(CompilerDirectives.class);

    /** System property: path of a file of directives. The launcher sets it; without it nothing is changed. */
    private static final String FILE = "ppiofs.compiler.directives";

    private CompilerDirectives() {}

    /** Costs some ten milliseconds; for a background thread. */
    static void apply() {
        String file = System.getProperty(FILE);
        if (file == null) {
            return;
        }
        try {
            Object answer = ManagementFactory.getPlatformMBeanServer()
                    .invoke(
                            new ObjectName("com.sun.management:type=DiagnosticCommand"),
                            "compilerDirectivesAdd",
                            new Object[] {new String[] {file}},
                            new String[] {String[].class.getName()});
            LOG.debug("{}: {}", file, String.valueOf(answer).strip());
        } catch (JMException | RuntimeException e) {
            LOG.debug("{}: this virtual machine takes no compiler directives", file, e); // all works, and compiles more
        }
    }
}
