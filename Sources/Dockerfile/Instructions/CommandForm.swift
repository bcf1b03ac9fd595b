/// What RUN, CMD, ENTRYPOINT and HEALTHCHECK run, in the form it was written in.
package enum CommandForm: Hashable, Sendable {
    /// A text for the stage's shell.
    case shell(String)
    /// A program and its arguments, from the JSON form.
    case exec([String])
}
