import Commands

@main
struct Vitrine {
    static func main() { VitrineCommand.start() }
}
