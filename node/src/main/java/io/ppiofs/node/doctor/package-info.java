/**
 * Looks at the machine as {@code ppiofs doctor} reports it: each check is one line, and where something is wrong the
 * line says what to do. Checks only look; they change nothing, and none needs a running node.
 */
@NullMarked
package io.ppiofs.node.doctor;

import org.jspecify.annotations.NullMarked;
