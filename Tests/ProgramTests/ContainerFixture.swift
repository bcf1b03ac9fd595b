/// A program with the image `base`, whose containers are taken away at the end.
func withContainers(_ body: (Program) throws -> Void) throws {
    let program = try Program()
    defer {
        _ = try? program.run("rm", "--all", "--force", "--volumes")  // what a failure left
        program.remove()
    }
    try program.importBase()
    try body(program)
}
