import { generate } from 'lean-qr'
import { useMemo } from 'preact/hooks'

// Dark on light in both schemes: cameras want it so.
export function Qr({ text, label }: { text: string; label: string }) {
  const path = useMemo(() => {
    const code = generate(text)
    let d = ''
    for (let y = 0; y < code.size; y++) for (let x = 0; x < code.size; x++) if (code.get(x, y)) d += `M${x} ${y}h1v1h-1z`
    return { d, size: code.size }
  }, [text])
  return (
    <svg class="qr" role="img" aria-label={label} viewBox={`-3 -3 ${path.size + 6} ${path.size + 6}`} shape-rendering="crispEdges">
      <rect x="-3" y="-3" width={path.size + 6} height={path.size + 6} fill="#fff" />
      <path d={path.d} fill="#111" />
    </svg>
  )
}
